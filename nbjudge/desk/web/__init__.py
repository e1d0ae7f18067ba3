"""The desk's web application: logins, uploads, pages and a JSON interface for notebooks.

It may import the rest of the desk and every room below it; only `course desk` imports it.
"""
