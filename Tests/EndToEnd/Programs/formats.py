"""formats.py SOURCE: numpy, HDF5 and WAV make and change large files in the directory it runs in."""
import sys, wave
import h5py, numpy

source = numpy.fromfile(sys.argv[1], dtype="uint8")
numbers = numpy.arange(5 << 20, dtype="int32")

array = numpy.memmap("array", dtype="int32", mode="w+", shape=numbers.shape)
array[:] = numbers
array.flush()
del array
array = numpy.memmap("array", dtype="int32", mode="r+")
array[100:200] = 7
del array
# Without a flush.
array = numpy.memmap("unsynced", dtype="uint8", mode="w+", shape=source.shape)
array[::-1] = source
del array

numpy.savez("arrays", x=numbers, y=numpy.zeros(10))
assert (numpy.load("arrays.npz")["x"] == numbers).all()
numpy.save("one.npy", numbers)
numpy.load("one.npy", mmap_mode="r+")[1000:] = numbers[:-1000]

with h5py.File("data.h5", "w") as file:
    file.create_dataset("whole", data=source)
    pieces = file.create_dataset("pieces", (0,), maxshape=(None,), chunks=(1 << 16,), dtype="uint8")
    for start in range(0, len(source), 5_000_000):
        pieces.resize((start + 5_000_000,))
        pieces[start:] = source[start:start + 5_000_000]
        file.flush()
with h5py.File("data.h5", "r+") as file:
    file["whole"][1_000_000:1_000_100] = 0
    file["pieces"].resize((18_000_000,))
    file["pieces"].attrs["text"] = "x" * 10_000
    file["more"] = numbers
    del file["more"]
with h5py.File("data.h5") as file:
    assert (file["whole"][1_000_100:] == source[1_000_100:]).all()
    assert (file["pieces"][:] == source[:18_000_000]).all()

# The header is written first, and corrected at the close.
with wave.open("sound.wav", "wb") as sound:
    sound.setparams((2, 2, 48000, 0, "NONE", ""))
    for start in range(0, len(source), 1 << 20):
        sound.writeframesraw(source[start:start + (1 << 20)].tobytes())
with wave.open("sound.wav") as sound:
    assert sound.readframes(1 << 30) == source.tobytes()
