"""The verbs over very many pictures, on this machine or on a cluster; what is begun can be gone on with.

    input ---> source ---> parts ---> engine ---> work ---> sink ---> output
    folder,    items,      some 256   a loop,     a part's  rows,     part-<hash>.parquet,
    shards,    in order    pictures   processes,  pictures  payloads  and what goes beside it
    Parquet,               or a shard or Ray Data  -> rows
    anywhere               or a group of rows

A part is named by a hash of what is in it and of the settings, and is done when its table is there: tables are put in place
whole or not at all. So nothing is done twice, whoever dies when: a run that is begun again leaves out what is in the tables.
Pictures whose content is there under another name are taken over and not coded again.
"""
