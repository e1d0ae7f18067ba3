### BEGIN HIDDEN TESTS
### BEGIN SOLUTION
### BEGIN MARK SCHEME
def total(numbers):
    return 0
### END SOLUTION
### AUTOTEST total([1, 2, 3])
### BEGIN STARTER
