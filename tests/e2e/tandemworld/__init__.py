"""The local world: two mail sites and a witness on loopback, with real daemons around Tandem's."""
