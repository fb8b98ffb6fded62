"""What a Python program does all day, on nothing but the interpreter: dictionaries, strings, objects, lists, numbers."""


class Vector:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)


def words(count):
    seed, result = 12345, []
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) & 0x7fffffff
        result.append("w" + str(seed % 5000))
    return result


def count_words(text):
    counts = {}
    for word in text:
        counts[word] = counts.get(word, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def queens(size, row=0, columns=0, left=0, right=0):
    if row == size:
        return 1
    found, free = 0, ~(columns | left | right) & ((1 << size) - 1)
    while free:
        bit = free & -free
        free ^= bit
        found += queens(size, row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1)
    return found


def mandelbrot(size):
    inside = 0
    for i in range(size):
        for j in range(size):
            z, c = 0j, complex(3 * j / size - 2, 2 * i / size - 1)
            for _ in range(30):
                z = z * z + c
                if abs(z) > 2:
                    break
            else:
                inside += 1
    return inside


def main():
    total = Vector(0, 0)
    for i in range(150_000):
        total = total + Vector(i, -i)
    text = words(200_000)
    joined = " ".join(text).replace("w1", "v2").split(" ")
    print(total.x, count_words(text)[0], len(set(joined)), queens(8), mandelbrot(100))


main()
