#!/bin/bash
# large-files.sh DIRECTORY SOURCE: programs of many kinds make and change files of more than a span in DIRECTORY.
#
# SOURCE has 20,000,000 bytes. What is in DIRECTORY/same afterwards is the same wherever it was made; what is in
# DIRECTORY/own has times or random numbers in it, and is checked here.
set -ex
directory=$1 source=$2 programs=$(dirname "$0")
# Debian's Python has what Debian's packages bring.
export PATH=/usr/bin:$PATH E2FSPROGS_FAKE_TIME=1000000000
mkdir -p "$directory/same" "$directory/own"
cd "$directory/same"

# coreutils: in the middle, at the end, to less and to more, from one file to the other.
cp "$source" data
dd if=/dev/zero of=data bs=4096 seek=3 count=2 conv=notrunc status=none
echo end >> data; truncate -s 19000000 data; truncate -s 21000000 data
cp "$source" part; head -c 18000000 part > start; mv start part; tail -c +18000001 "$source" >> part
cmp part "$source"; { cat part; cat part; cat part; } > thrice
touch -d @1000000000 data

# A file that loses its name while it is open.
cp "$source" nameless; exec 5<> nameless; rm nameless
dd if=data of=/proc/self/fd/5 bs=1M count=2 seek=17 conv=notrunc status=none; echo end >> /proc/self/fd/5
cat /proc/self/fd/5 > named; exec 5>&-

# rsync
cp "$source" synced; printf x | dd of=synced bs=1 seek=10000000 conv=notrunc status=none
rsync --inplace --ignore-times --no-whole-file "$source" synced; cmp synced "$source"
head -c 17000000 "$source" > grown; rsync --append "$source" grown; cmp grown "$source"

# Archives that are added to, some with an index behind and a header that leads to it.
echo small > small; touch -d @1000000000 small
tar cf t.tar --mode=644 data; tar rf t.tar --mode=644 small; tar xOf t.tar data | cmp - data
zip -q0X a.zip data; zip -q0X a.zip small; python3 -m zipfile -t a.zip
7z a -mx=0 -bso0 -bsp0 a.7z data; 7z a -mx=0 -bso0 -bsp0 a.7z small; 7z d -bso0 -bsp0 a.7z small
7z e -so -bsp0 a.7z data | cmp - data
squash() { mksquashfs "$@" -noD -noF -quiet -no-progress -all-root -all-time 0 -mkfs-time 0 -no-recovery; }
squash data s.squashfs; squash small s.squashfs
unsquashfs -cat s.squashfs data | cmp - data; [ "$(unsquashfs -cat s.squashfs small)" = small ]

# patch, on text.
seq 3000000 > text; { sed 's/^15.....$/changed/' text; echo end; } > changed
diff -u --label a --label b text changed > text.patch || [ $? = 1 ]
patch -s text text.patch; cmp text changed

# Images of disks.
truncate -s 64M image; mke2fs -q -F -t ext4 -U clear -E hash_seed=00000000-0000-0000-0000-000000000001 image
printf 'write data data\nwrite small small\n' | debugfs -w -f - image
e2fsck -fn image; debugfs -R 'cat data' image | cmp - data

# TIFF: another image behind the first one, then another tag, for which the directory moves.
raw2tiff -w 4000 -l 5000 "$source" picture.tif; tiffcp -a picture.tif pictures.tif; tiffcp -a picture.tif pictures.tif
tiffset -s 270 "$(seq 1000)" pictures.tif; tiffdump pictures.tif | grep -c ^Directory | grep -qx 2

# Linkers, of which two write through mappings.
cat > program.c <<'END'
#include <unistd.h>
extern const char content[], end[];
int main(void) {
    for (const char *next = content; next < end;) next += write(1, next, end - next);
}
END
printf '.section .rodata\n.globl content, end\ncontent: .incbin "%s"\nend: .byte 0\n.section .note.GNU-stack\n' \
    "$source" > content.s
gcc -c content.s; gcc -c program.c
for linker in bfd gold lld; do
    gcc -fuse-ld=$linker -Wl,--build-id=none -o linked-$linker program.o content.o; ./linked-$linker | cmp - "$source"
done
objcopy --strip-all linked-bfd stripped; strip linked-gold; ./stripped | cmp - "$source"; ./linked-gold | cmp - "$source"

# numpy, HDF5 and WAV, as Python's libraries write them.
python3 "$programs/formats.py" "$source"

# wget -c, and several streams at once.
python3 "$programs/downloads.py" "$source"

# sqlite: backups, and changes of large databases.
for mode in delete wal; do
    database() { sqlite3 $mode.db "$@"; }
    database "pragma journal_mode=$mode; create table t (n, data); insert into t values (1, readfile('$source'));"
    database "insert into t select 2, substr(data, 1, 50000) from t; create index i on t (n);"
    database "update t set n = 3, data = substr(data, 7) where n = 2;"
    database ".backup backup-$mode.db" "vacuum into 'vacuumed-$mode.db'"
    for copy in backup vacuumed; do
        sqlite3 $copy-$mode.db "select data = readfile('$source') from t where n = 1" | grep -qx 1
        sqlite3 $copy-$mode.db 'pragma integrity_check' | grep -qx ok
    done
    database "delete from t where n = 3; vacuum; pragma integrity_check" | grep -qx ok
done

# Sounds and films: sizes in front, written when the end is known.
cd ../own
for format in wavenc:wavparse:wav avimux:avidemux:avi qtmux:qtdemux:mov matroskamux:matroskademux:mkv; do
    IFS=: read -r writer reader film <<< $format
    gst-launch-1.0 -q filesrc location="$source" ! rawaudioparse format=pcm pcm-format=s16le sample-rate=48000 \
        num-channels=2 ! $writer ! filesink location=film.$film
    gst-launch-1.0 -q filesrc location=film.$film ! $reader ! fdsink | cmp - "$source"
done
