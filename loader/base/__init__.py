"""What every room uses: settings, errors, printing, signals."""
