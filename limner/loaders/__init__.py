"""Files of limner in the pipelines of others: each brings blobs from where they lie, and one `Decoding` makes pictures of them.

    WebDataset samples  -- webdataset.limn_handler --+
    folder, shard, Parquet -- torch.LimnDataset -----+--> decoding.Decoding --> array, tensor or Pillow image
    Parquet, in order   -- parquet.pictures ---------+
    datasets column     -- datasets.Limn ------------+

and ``transform.LimnTransform``: a picture -> what is left of it in so many bytes.
"""
