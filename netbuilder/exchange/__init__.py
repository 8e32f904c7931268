"""What leaves netbuilder and what comes in."""

import os

# From 1.29 on ONNX Runtime keeps an id of the device and reports sessions to its maker unless
# this is set before it is loaded. Nothing leaves a computer here unasked.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
