"""``limner scale`` measured: the verb that measures pictures, and what ten thousand of them cost by every engine."""
