from nbjudge.kernel.working_folder import WorkingFolder

WorkingFolder.changes = lambda self: {"gone": ["..", "../given"], "folders": [], "files": {}}
