"""Settlement: payments that operators report as made are posted and receipted, in one transaction."""
