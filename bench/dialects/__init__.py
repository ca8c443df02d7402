"""How each library is spoken to: what its arrays are, and how a case is run where NumPy's words do not do.

A file has a class `Speaker` with what `base.Dialect` describes. Most cases run as they are written, for a module with
NumPy's names; where a library wants another program, its file holds that as a variant under the name of the case.
"""
