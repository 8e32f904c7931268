"""Files and networks that take less room and time, and what that costs them."""
