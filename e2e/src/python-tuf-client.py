"""One run of python-tuf's client: refresh, and download of the targets that are named. Prints one line of JSON."""

import json
import os
import sys

from tuf.ngclient import Updater


def main() -> dict:
    order = json.loads(sys.argv[1])
    os.makedirs(order["targets"], exist_ok=True)
    root = None
    if order["root"] is not None:
        with open(order["root"], "rb") as file:
            root = file.read()
    updater = Updater(
        metadata_dir=order["metadata"],
        metadata_base_url=order["url"] + "/metadata/",
        target_dir=order["targets"],
        target_base_url=order["url"] + "/targets/",
        bootstrap=root,
    )
    try:
        updater.refresh()
        files = {}
        for name in order["names"]:
            info = updater.get_targetinfo(name)
            if info is None:
                return {"refused": "there is no " + name}
            files[name] = updater.download_target(info)
        return {"files": files}
    except Exception as error:  # What it refuses and why is the result.
        return {"refused": type(error).__name__ + ": " + str(error)}


print(json.dumps(main()))
