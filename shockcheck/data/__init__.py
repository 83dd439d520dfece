"""The sourced figures: tables, facts, prices and exchange rates as notebooks read them."""
