"""
>>> __name__
'package'
"""
