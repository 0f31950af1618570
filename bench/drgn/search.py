# Run by drgn: every place that holds a value that no place holds.
for hit in prog.search_memory_u64(0xdeadbeefcafe1234):
    print(hit)
