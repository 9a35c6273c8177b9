"""Hourly bike rentals (UCI Bike Sharing, Fanaee-T and Gama 2013): how many bikes are rented in an hour."""
