"""``python -m limner.bench.many``: a folder by one process and by several, and what batches inside onnxruntime would bring.

    photographs -> folders of small pictures --every way, in turns--> pictures a second, the share of a core's speed
                                             --a short and a long one--> memory of the processes over time
    networks at batches of 1, 2, 4 ... --in turns--> milliseconds a picture
"""
