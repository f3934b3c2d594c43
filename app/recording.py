"""Copy a browser's recording, whose header does not say how long it is, into a file that does: `recording.py IN OUT`."""

import sys

import av


def complete(source: str, target: str) -> None:
    """Copy the packets of the first picture track, undecoded; writes nothing where the length is known already."""
    with av.open(source) as recording:
        if recording.duration:
            return
        stream = recording.streams.video[0]
        packets = [packet for packet in recording.demux(stream) if packet.dts is not None]
        with av.open(target, "w") as copy:
            copied = copy.add_stream_from_template(stream)
            copied.codec_context.framerate = 30  # nominal: every packet keeps its own time
            for packet in packets:
                packet.stream = copied
                copy.mux(packet)


if __name__ == "__main__":
    complete(*sys.argv[1:])
