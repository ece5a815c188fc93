"""One paper, one file: which scene, which layers, which renderer."""
