#!/bin/bash
# loop-device.sh IMAGE PLACE SOURCE COPY: an ext4 on a block device that a kernel thread reads and writes in the file
# IMAGE is mounted at PLACE, in a mount namespace of its own, filled from SOURCE, of 25 MiB, and unmounted; COPY becomes
# what its file `data` was.
set -ex
image=$1 place=$2 source=$3 copy=$4 device=
end() {
    trap - EXIT
    ! mountpoint -q "$place" || umount -l "$place"
    [ -z "$device" ] || losetup -d "$device"
}
trap end EXIT
mkdir "$place"; truncate -s 300M "$image"
device=$(losetup --find --show "$image")
mkfs.ext4 -q "$device"
mount "$device" "$place"
# More than the mount has memory, synced on the way.
for part in 0 1 2 3; do dd if="$source" of="$place/data" bs=1M seek=$((part * 25)) conv=notrunc,fsync status=none; done
# Small changes, each synced; and what is discarded becomes holes.
sqlite3 "$place/small.db" 'create table t (n)'
for n in $(seq 5); do sqlite3 "$place/small.db" "insert into t values ($n)"; done
cp "$source" "$place/gone"; sync -f "$place/gone"; rm "$place/gone"; fstrim "$place"
dd if="$source" of="$place/data" bs=1M count=3 seek=40 conv=notrunc,fsync status=none
cp "$place/data" "$copy"
umount "$place"
end
# It lets go of the file a moment later.
while losetup --noheadings --list --output BACK-FILE | grep -qxF "$image"; do sleep 0.1; done
