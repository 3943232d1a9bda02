import atexit
import pathlib
import shutil

FOLDER = pathlib.Path(__file__).parent / "made_at_import"
FOLDER.mkdir(exist_ok=True)
(FOLDER / "data.txt").write_text("shared data")


@atexit.register
def remove():
    shutil.rmtree(FOLDER, ignore_errors=True)
    print("folder removed at exit")
