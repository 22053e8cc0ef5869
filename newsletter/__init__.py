"""An e-mail newsletter and lead-magnet service that an owner runs on their own server."""
