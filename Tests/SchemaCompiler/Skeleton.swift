// Skeleton; replaced by the first landing.
