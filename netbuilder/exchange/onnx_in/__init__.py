"""From ONNX to a project: the file's graph becomes a module, which is drawn as any other."""
