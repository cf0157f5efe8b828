#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An application that embeds a pipeline file and reads the detections from the bus.

usage: camera_app.py FILE.gstp [NAME=VALUE...]
"""
import json
import subprocess
import sys

import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

Gst.init(None)
launch = subprocess.run(["qnnflow", "launch", "--print-launch", *sys.argv[1:]], check=True, stdout=subprocess.PIPE, text=True)
pipeline = Gst.parse_launch(launch.stdout)
pipeline.get_by_name("decode").set_property("message", True)
pipeline.set_state(Gst.State.PLAYING)
wanted = Gst.MessageType.ELEMENT | Gst.MessageType.EOS | Gst.MessageType.ERROR
message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, wanted)
while message.type == Gst.MessageType.ELEMENT:
    if message.has_name("qnnflow-results"):
        print(json.loads(message.get_structure().get_string("json")))
    message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, wanted)
pipeline.set_state(Gst.State.NULL)
sys.exit(message.parse_error().gerror.message if message.type == Gst.MessageType.ERROR else 0)
