"""What a person's file or folder holds, and how it could be trained on."""
