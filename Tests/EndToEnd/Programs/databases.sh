#!/bin/bash
# databases.sh DIRECTORY HOME: two writers of sqlite at once, with a journal and with a write-ahead log, and git with
# packs above 16 MiB, in DIRECTORY. Git's settings go to HOME.
set -ex
mkdir -p "$1"; cd "$1"
export HOME=$2 GIT_CONFIG_NOSYSTEM=1

for mode in delete wal; do
    sqlite3 $mode.db "pragma journal_mode=$mode; create table t (writer, n, data);"
    for writer in 1 2; do
        for n in $(seq 30); do
            sqlite3 -cmd '.timeout 30000' $mode.db "insert into t values ($writer, $n, randomblob(300000));"
        done &
    done
    wait
    [ "$(sqlite3 $mode.db 'select count(*), count(distinct writer * 100 + n) from t')" = '60|60' ]
    sqlite3 $mode.db 'pragma integrity_check' | grep -qx ok
done

git config --global user.name t; git config --global user.email t@example.org
git config --global --replace-all safe.directory '*'
git init -q one; git clone -q one two 2> /dev/null
for n in 1 2; do
    head -c 18000000 /dev/urandom > one/file$n; git -C one add .; git -C one commit -qm $n
    git -C two pull -q origin "$(git -C one branch --show-current)"
done
git -C two gc -q; diff -r -x .git one two
