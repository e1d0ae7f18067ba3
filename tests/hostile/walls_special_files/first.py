import os

for folder in (os.getcwdb(), os.environb[b"HOME"], b"/tmp"):
    os.mkfifo(folder + b"/pipe.csv")
    os.symlink(folder, folder + b"/circle")
    os.symlink("/proc/1/root/etc/shadow", folder + b"/shadow.csv")
    os.mkdir(folder + b"/\xff\xfe\n")
    place = folder
    for _ in range(100):
        place += b"/deeper"
        os.mkdir(place)
    os.chmod(folder + b"/deeper", 0)
