#!/usr/bin/env bash
# three-machines.sh BINARIES DIRECTORY: three machines with a registry, shards and a coordinator each, and a fourth with the
# disks and a mount, every one in a network namespace of its own; 10.77.0.1, .2, .3 and .4, on a bridge of the fourth.
# Runs until it gets a signal. DIRECTORY/machine-N has the process whose namespace is that of machine N.
set -u
binaries=$1 directory=$2
pids=()
trap 'kill "${pids[@]}" 2> /dev/null; wait; exit 0' TERM INT
registry=10.77.0.1:4000,10.77.0.2:4000,10.77.0.3:4000
mkdir -p "$directory/log" "$directory/mnt"
"$binaries/sterna" key "$directory/key" > "$directory/log/key.log" || exit 1

for machine in 1 2 3 4; do
    unshare --net sleep 900 &
    pids+=($!)
    echo $! > "$directory/machine-$machine"
done
on() { local machine=$1; shift; nsenter --net -t "$(cat "$directory/machine-$machine")" "$@"; }
# A namespace is there once its process has left ours.
for machine in 1 2 3 4; do
    while [ "$(readlink "/proc/$(cat "$directory/machine-$machine")/ns/net")" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
    on $machine ip link set lo up
done
on 4 ip link add bridge type bridge && on 4 ip addr add 10.77.0.4/24 dev bridge && on 4 ip link set bridge up || exit 1
for machine in 1 2 3; do
    on 4 ip link add port$machine type veth peer name wire netns "$(cat "$directory/machine-$machine")" || exit 1
    on 4 ip link set port$machine master bridge up
    on $machine ip addr add 10.77.0.$machine/24 dev wire && on $machine ip link set wire up || exit 1
done

# start MACHINE PROGRAM OPTION...: a service that is started anew whenever it ends.
start() {
    local machine=$1 name=$2 log="$directory/log/$2-$1.log"
    shift 2
    (
        trap 'kill $child 2> /dev/null; wait; exit 0' TERM
        while true; do
            exec nsenter --net -t "$(cat "$directory/machine-$machine")" "$binaries/sterna-$name" --key-file "$directory/key" "$@" \
                >> "$log" 2>&1 &
            child=$!
            wait $child
            # Only the very first start of the first one founds.
            local kept=()
            for option in "$@"; do [ "$option" = --found ] || kept+=("$option"); done
            set -- "${kept[@]}"
            sleep 0.2
        done
    ) &
    pids+=($!)
}
# peers PORT: a kind of service on all machines.
peers() { echo "0=10.77.0.1:$1,1=10.77.0.2:$1,2=10.77.0.3:$1"; }
for machine in 1 2 3; do
    found=(); [ $machine = 1 ] && found=(--found)
    common=(--replica $((machine - 1)) "${found[@]}")
    place="$directory/$machine"; mkdir -p "$place"
    start $machine registry --address 10.77.0.$machine:4000 --data "$place/registry" --peers "$(peers 4100)" "${common[@]}"
    start $machine shard --address 10.77.0.$machine:0 --registry $registry --shards 0-255 --data "$place/shard" \
        --peers "$(peers 4200)" "${common[@]}"
    start $machine cdc --address 10.77.0.$machine:0 --registry $registry --data "$place/cdc" --peers "$(peers 4300)" "${common[@]}"
done
disks=()
for disk in $(seq 14); do mkdir -p "$directory/disks/$disk"; disks+=(--disk "$directory/disks/$disk:flash:domain-$disk"); done
start 4 block --registry $registry --address 10.77.0.4:0 "${disks[@]}"
# It ends when it is unmounted.
exec nsenter --net -t "$(cat "$directory/machine-4")" "$binaries/sterna-mount" --registry $registry "$directory/mnt" \
    >> "$directory/log/mount.log" 2>&1 &
pids+=($!)
wait
