"""Care: where it is given and by whom, the doctor of a household, codes for care, and what a doctor is answered."""
