"""Lists of contacts: filters that combine, columns, paging, saved views, and what is done with many at once."""
