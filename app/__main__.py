"""Start the page: `python -m app [--checkpoint F] [--device auto|cpu|cuda] [--port N] [--share]`."""

import argparse
import atexit
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from sifa.errors import WeightsError
from sifa.weights.download import fetch
from sifa.weights.shipped import DEFAULT_CHECKPOINT


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app", description="See how a video model follows motion.")
    parser.add_argument("--checkpoint", default=DEFAULT_CHECKPOINT, help="a file, a URL, or hf-hub:owner/name")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument("--share", action="store_true", help="a public link through Gradio's relay")
    args = parser.parse_args()

    folder = Path(tempfile.mkdtemp(prefix="sifa-explorer-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the folder goes then, too
    os.environ["GRADIO_TEMP_DIR"] = str(folder)  # before gradio is imported
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

    from app import handlers, layout

    try:
        page = layout.build(fetch(args.checkpoint), handlers.choose_device(args.device), folder)
        _, local, public = page.launch(
            server_port=args.port, share=args.share, theme=layout.THEME, css=layout.CSS, max_file_size="200mb",
            run_history=False, footer_links=["api"], quiet=True, prevent_thread_lock=True,
        )  # fmt: skip
    except (handlers.UserError, WeightsError) as error:
        raise SystemExit(str(error)) from None
    except OSError:
        raise SystemExit(f"port {args.port} is in use or not allowed; choose another with --port") from None
    print(f"The page is at {public or local} (stop it with Ctrl+C)", flush=True)
    page.block_thread()


if __name__ == "__main__":
    main()
