def greet(name):
    while True:
        print("Hello,", name)
