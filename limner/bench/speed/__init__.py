"""What coding takes: seconds by stage, CPU, memory and energy, over sizes, threads, fresh processes and warm ones.

    one picture --sizes--> pictures --runs--> a process for each case --worker: watched, clock--> seconds of stages
                                                   | processor, energy: what the machine and others did meanwhile
                                                   '--> Samples --rows--> speed.jsonl --page, limits--> speed.md

A *sample* is one turn of one case: a system, a task, a size, so many threads, cold or warm. The page is made from them alone.
"""
