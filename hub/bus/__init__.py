"""The bus: topics, the MQTT client, and the broker that the hub starts itself. The only importer of an MQTT library."""
