"""Pictures as rows of pixels, so that large ones need not be in memory: opened, read, made sRGB, resampled, and written.

    a file -> opened -> source (Pillow, or vips) -> colours -> strips -> resample -> strips -> png
"""
