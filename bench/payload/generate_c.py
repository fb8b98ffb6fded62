"""Writes a C program of about 2,000 lines: functions with loops, switches, structures and floating point."""
import random

choose = random.Random(1)
print("#include <stdint.h>\n#include <stdio.h>\n#include <string.h>")
print("struct item { uint64_t key; double weight; char name[16]; struct item *next; };")
count = 90
for number in range(count):
    a, b, c = (choose.randrange(3, 1000) for _ in range(3))
    kind = choose.choice(["uint32_t", "uint64_t", "int"])
    print(f"""
static {kind} f{number}({kind} n, struct item *items, int count) {{
  {kind} sum = {a};
  double weight = {b}.25;
  for (int i = 0; i < count; i++) {{
    struct item *item = &items[i];
    switch ((item->key + n) % 5) {{
      case 0: sum += item->key * {a}; break;
      case 1: sum ^= (sum << {a % 13 + 1}) | (sum >> {b % 11 + 1}); break;
      case 2: weight = weight * item->weight + {c}; break;
      case 3: memcpy(item->name, "{a:08d}", 8); sum += item->name[i & 7]; break;
      default: sum = sum % {b} + (item->next ? item->next->key : {c});
    }}
    if (item->weight > weight) sum -= {c};
  }}
  while (sum > {a * b}) sum = sum / {a % 7 + 2} + n;
  return sum + ({kind})weight;
}}""")
print("\nint main(void) {\n  static struct item items[64];\n  uint64_t sum = 0;")
for number in range(count):
    print(f"  sum += f{number}(sum, items, 64);")
print('  printf("%llu\\n", (unsigned long long)sum);\n  return 0;\n}')
