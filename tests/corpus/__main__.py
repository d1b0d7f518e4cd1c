"""`python -m tests.corpus`: read every mail of the corpus, and print how many of each kind were told."""

from tests.corpus import FOLDERS, folder_of, read, samples


def main() -> None:
    """Print a line a kind, and one for each mail that was read as something else."""
    wrong = []
    false_replies = 0
    for folder in FOLDERS:
        found = [(sample, folder_of(read(sample))) for sample in samples(folder)]
        right = sum(kind == folder for _, kind in found)
        print(f"{folder:<14}{right:>4} of {len(found):<4}{right / max(len(found), 1):>7.1%}")
        wrong += [f"{sample.title} was read as {kind}" for sample, kind in found if kind != folder]
        false_replies += sum(kind == "person" != folder for _, kind in found)
    print(f"false replies {false_replies}")
    print(*wrong, sep="\n")


if __name__ == "__main__":
    main()
