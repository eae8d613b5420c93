# Replaces FILE by a MiB, waits until STOPPED is there, and writes another MiB again and again: says how many there are.
use strict;
use warnings;
use IO::Handle;

my ($path, $stopped) = @ARGV;
open(my $file, '>', $path) or die "open: $!";
STDOUT->autoflush(1);
for my $count (1 .. 1000) {
    syswrite($file, 'x' x (1 << 20)) == 1 << 20 or die "write: $!";
    print "$count\n";
    until (-e $stopped) { select(undef, undef, undef, 0.1) }
}
