def square(number):
    return number * number


def put(queue, value):
    queue.put(value)
