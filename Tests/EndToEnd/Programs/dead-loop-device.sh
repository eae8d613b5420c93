#!/bin/bash
# dead-loop-device.sh IMAGE PLACE PID: an ext4 on a block device in IMAGE is mounted at PLACE, in a mount namespace of its
# own, when process PID, which mounts what IMAGE lies on, is killed: it fails, and can be taken away.
set -ex
image=$1 place=$2 pid=$3
mkdir "$place"; truncate -s 100M "$image"
device=$(losetup --find --show "$image")
trap 'losetup -d "$device"' EXIT
mkfs.ext4 -q "$device"; mount "$device" "$place"
echo before > "$place/before"; sync -f "$place"
kill -9 "$pid"
! dd if=/dev/zero of="$place/file" bs=1M count=50 conv=fsync 2> "$place.error"
grep -q 'Input/output error' "$place.error"
umount "$place"; losetup -d "$device"; trap - EXIT
while losetup --noheadings --list --output BACK-FILE | grep -qF "$image"; do sleep 0.1; done
