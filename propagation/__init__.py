"""How long a change takes from the API to the packets: for Services, their endpoints and their names, by the number of
Services that are there already; and for what is behind a controller. Figures, never verdicts: ``./noxw -s
propagation``, ``./noxw -s route_propagation``.
"""
