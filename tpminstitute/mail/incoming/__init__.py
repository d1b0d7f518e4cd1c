"""What comes in, read: from the bytes of a mail to who wrote what, and what kind of mail it is. It knows no table."""
