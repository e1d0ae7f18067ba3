"""Stand-ins: proxies that a test holds for the objects that stay in a student's kernel.

The room holds the stand-ins, the channel to the kernel, and the rewriting of test cells that makes
`isinstance`, `is` and the like work with stand-ins. It imports `sandbox` and below.
"""
