# Writes FILE, waits until STOPPED is there, syncs or closes FILE, as HOW says, and lives through SIGUSR1 meanwhile: says
# "errno N" if that ended a system call, and how many signals there were at its end.
use strict;
use warnings;
use IO::Handle;

my ($path, $stopped, $how) = @ARGV;
my $signals = 0;
$SIG{USR1} = sub { $signals++ };
open(my $file, '>', $path) or die "open: $!";
$file->autoflush(1);
print {$file} 'x' x (1 << 20);
print "written\n";
STDOUT->flush();
until (-e $stopped) { select(undef, undef, undef, 0.1) }
$how ne 'sync' or $file->sync or print 'errno ' . ($! + 0) . "\n";
close($file) or print 'close: errno ' . ($! + 0) . "\n";
print "done after $signals signals\n";
