"""What is known of a file in a mail before anybody opens it: whether it can run, and how it may be handed out."""

from pathlib import PurePosixPath

HARMLESS = frozenset(("image/gif", "image/jpeg", "image/png", "image/webp", "application/pdf"))
"""Types that are handed out under their own name; every other file is only octets."""

PICTURES = frozenset(("image/gif", "image/jpeg", "image/png", "image/webp"))
"""Pictures that can do nothing but be shown: no SVG, which may hold scripts and addresses."""

_RUN_BY_NAME = frozenset(
    (
        ".ade", ".adp", ".apk", ".app", ".appx", ".bat", ".cab", ".chm", ".cmd", ".com", ".cpl", ".deb", ".dll", ".dmg",
        ".docm", ".dotm", ".exe", ".gadget", ".hta", ".htm", ".html", ".img", ".inf", ".iso", ".jar", ".js", ".jse",
        ".lnk", ".mht", ".mhtml", ".msc", ".msi", ".msp", ".one", ".pif", ".pkg", ".potm", ".ppam", ".ppsm", ".pptm",
        ".ps1", ".py", ".rdp", ".reg", ".rpm", ".scf", ".scr", ".settingcontent-ms", ".sh", ".svg", ".url", ".vb",
        ".vbe", ".vbs", ".vhd", ".vhdx", ".wasm", ".ws", ".wsf", ".wsh", ".xhtml", ".xlam", ".xll", ".xlsb", ".xlsm",
        ".xltm", ".xht",
    )
)  # fmt: skip
_RUN_BY_TYPE = frozenset(
    (
        "application/hta", "application/java-archive", "application/javascript",
        "application/vnd.android.package-archive",
        "application/vnd.microsoft.portable-executable", "application/wasm", "application/x-dosexec",
        "application/x-elf", "application/x-executable", "application/x-mach-binary", "application/x-ms-shortcut",
        "application/x-msdos-program", "application/x-msdownload", "application/x-sh", "application/x-sharedlib",
        "application/xhtml+xml", "image/svg+xml", "text/html", "text/javascript",
    )
)  # fmt: skip


def can_run(name: str, media_type: str) -> bool:
    """Return whether opening a file may start a program, by what its content shows or what its name promises.

    No list is complete: what isn't on it is only unknown, and never said to be safe.
    """
    return media_type in _RUN_BY_TYPE or PurePosixPath(name.lower().rstrip(". ")).suffix in _RUN_BY_NAME
