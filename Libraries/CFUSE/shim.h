#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <fuse3/fuse_opt.h>
// The kernel's own side: what it says and libfuse 3.14 does not pass on.
#include <linux/fuse.h>
