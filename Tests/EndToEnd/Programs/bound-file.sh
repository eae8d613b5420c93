#!/bin/bash
# bound-file.sh MOUNT OTHER BOUND SOURCE: MOUNT/file, a copy of SOURCE, is changed under the name BOUND, to which it is
# bound in a mount namespace of its own, and under its own; OTHER is another mount.
set -ex
mount=$1 other=$2 bound=$3 source=$4
mount --bind "$mount/file" "$bound"
number=$(stat -c %i "$bound")
cp "$source" "$source.changed"

# The same is done here and beside, and is there at every name.
both() { for file in "$1" "$source.changed"; do "${@:2}" "$file"; done; same; }
same() { for file in "$bound" "$mount/file" "$other/file"; do cmp "$file" "$source.changed"; done; }
append() { echo "$line" >> "$1"; }
patch() { printf patched | dd of="$1" bs=1 seek=17000000 conv=notrunc,fsync status=none; }
line=first both "$bound" append
both "$bound" patch
line=second both "$mount/file" append
both "$bound" truncate -s 18000000
both "$mount/file" truncate -s 21000000
both "$bound" cp "$source"
[ "$(stat -c %i "$bound")" = "$number" ]
