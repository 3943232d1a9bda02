import sys

print("noisy module is imported")
sys.stderr.write("noisy on stderr\n")
raise RuntimeError("broken module")
