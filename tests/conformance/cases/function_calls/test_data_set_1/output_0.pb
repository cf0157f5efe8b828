BoutJÄî·C
En`QFr¿B¨C